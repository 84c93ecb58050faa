import { setFlagsFromString } from 'node:v8';

/**
 * Tells V8 that nothing lives long here. Little is alive in a young collection, so that threads which help it cost more
 * than they save. And by itself V8 makes objects of a kind in the old generation once many of that kind have lived for a
 * while, as those of runs do; there they stay until a full collection, and with them all they refer to. The flags are read
 * whenever it decides so (`ScavengerCollector` and `PretenuringHandler` in V8's `src/heap`); where a version of V8 does
 * not know one, it says so on stderr and goes on.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--no-allocation-site-pretenuring');
}
