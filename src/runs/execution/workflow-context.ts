/** Where a view has the context that it shows. */
const originalKey = Symbol('original');

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The context itself where `value` is a view of it; otherwise the value. */
export const originalOf = (value: unknown): unknown =>
  isObject(value) ? ((value as { [originalKey]?: object })[originalKey] ?? value) : value;

/** A proxy has to show a property that can never change as it is. */
function isConstant(target: object, key: PropertyKey): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  return descriptor?.configurable === false && descriptor.writable === false;
}

/**
 * A view of a run context that can be changed only while `mayChange`: the code of a workflow between its steps is executed
 * again with the run, and would make each of its changes again on top of the recorded ones.
 */
export function viewOf<T extends object>(context: T, mayChange: () => boolean): T {
  const views = new WeakMap<object, object>();
  const assertMayChange = () => {
    if (mayChange()) return;
    throw new TypeError(
      'The code of a workflow is executed again when its run is: change the context in ctx.step() or in a tool.',
    );
  };
  const handler: ProxyHandler<object> = {
    get: (target, key) => {
      if (key === originalKey) return target;
      const value: unknown = Reflect.get(target, key);
      return isObject(value) && !isConstant(target, key) ? toView(value) : value;
    },
    set(target, key, value) {
      assertMayChange();
      return Reflect.set(target, key, originalOf(value));
    },
    deleteProperty(target, key) {
      assertMayChange();
      return Reflect.deleteProperty(target, key);
    },
    defineProperty(target, key, descriptor) {
      assertMayChange();
      return Reflect.defineProperty(target, key, descriptor);
    },
  };
  function toView(target: object): object {
    const known = views.get(target);
    if (known) return known;
    const view = new Proxy(target, handler);
    views.set(target, view);
    return view;
  }
  return toView(context) as T;
}
