import { setFlagsFromString } from 'node:v8';

/**
 * Tells V8 that nothing lives long here. By itself it makes objects of a kind in the old generation once many of that
 * kind have lived for a while, as those of runs do; there they stay until a full collection, and with them all they
 * refer to. The flag is read whenever it would decide so (`PretenuringHandler` in V8's `src/heap/pretenuring-handler.cc`);
 * where a version of V8 does not know it, V8 says so on stderr and goes on.
 */
export function expectShortLives(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
