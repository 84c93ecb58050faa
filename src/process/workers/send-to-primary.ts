import { type FromWorker, pack } from './messages.ts';

/** Sends a message to the primary. Resolves once it is sent, or if it cannot be sent because the primary has ended. */
export const sendToPrimary = (message: FromWorker): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(pack(message), undefined, undefined, () => resolve());
  });
