import type { Service } from '../platform/lifecycle.ts';
import type { ServeOptions } from './serve-options.ts';

/** The hooks of the application, `onStart` and `onStop`, as a part of the process. */
export const createHooks = ({ onStart, onStop }: Pick<ServeOptions, 'onStart' | 'onStop'>): Service => ({
  name: 'application',
  start: async () => void (await onStart?.()),
  stop: async () => void (await onStop?.()),
});
