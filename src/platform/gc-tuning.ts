import { setFlagsFromString } from 'node:v8';

/**
 * Tunes V8 for objects that do not live long. Few objects survive a young collection, so helper threads for it cost more
 * than they save. And V8 by itself allocates objects of a kind in the old generation once many of that kind have lived for
 * a while, as those of runs do; they stay there until a full collection, with everything that they refer to. V8 reads the
 * flags at each such decision (`ScavengerCollector` and `PretenuringHandler` in V8's `src/heap`). A version of V8 that does
 * not know a flag prints that on stderr and goes on.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--no-allocation-site-pretenuring');
}
