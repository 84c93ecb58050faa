/** A copy of an object, accessors and prototype included, in which these properties are others. */
export function copyWith<T extends object>(object: T, changes: Partial<T>): T {
  const descriptors = Object.getOwnPropertyDescriptors(object) as Record<string, PropertyDescriptor>;
  for (const key of Object.keys(changes)) delete descriptors[key];
  return Object.assign(Object.create(Object.getPrototypeOf(object), descriptors), changes);
}
