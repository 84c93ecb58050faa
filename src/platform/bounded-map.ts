/** Sets an entry of a map of at most `entriesMax` entries; the ones that were set longest ago are evicted. */
export function setBounded<Value>(map: Map<string, Value>, key: string, value: Value, entriesMax: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= entriesMax) return;
    map.delete(oldest);
  }
}
