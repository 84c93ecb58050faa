import type { Store } from '../storage/port/index.ts';
import { createSessionService, type SessionService } from './service.ts';

/** Builds sessions: the `service` that reads and deletes them. */
export const wireSessions = ({ store }: { store: Pick<Store, 'sessions'> }): { service: SessionService } => ({
  service: createSessionService(store),
});
