import type { InputRules } from '../runs/index.ts';
import type { Store } from '../storage/port/index.ts';
import { createSessionService, type SessionService } from './service.ts';

/** Builds sessions: the `service` that reads, deletes and imports them. */
export const wireSessions = (deps: {
  store: Pick<Store, 'sessions'>;
  inputRules: InputRules;
}): { service: SessionService } => ({
  service: createSessionService({ sessions: deps.store.sessions, inputRules: deps.inputRules }),
});
