/** The waiters of one flow in order of arrival, and how many of them are still served before the next flow is. */
type FlowQueue<Waiter> = { waiters: Set<Waiter>; remaining: number };

type Flows<Flow, Waiter> = ReadonlyMap<Flow, FlowQueue<Waiter>>;
type WeightOf<Flow> = (flow: Flow) => number;

/** How many waiters a flow has. */
const countOf = <Flow>(flows: Flows<Flow, unknown>, flow: Flow): number => flows.get(flow)?.waiters.size ?? 0;

/** The position, from 1, that one more waiter of a flow would have in the whole queue if no other waiter arrived. */
function positionOf<Flow>(flows: Flows<Flow, unknown>, flow: Flow, weightOf: WeightOf<Flow>): number {
  const own = countOf(flows, flow) + 1;
  const rounds = Math.ceil(own / weightOf(flow));
  let position = own;
  for (const [other, { waiters }] of flows) {
    if (other !== flow) position += Math.min(waiters.size, rounds * weightOf(other));
  }
  return position;
}

/**
 * The flow with the most waiters by its weight, apart from `flow`: undefined if it would have fewer than `flow` after one
 * waiter was moved from it to `flow`.
 */
function longestBeside<Flow>(flows: Flows<Flow, unknown>, flow: Flow, weightOf: WeightOf<Flow>): Flow | undefined {
  const share = (waiting: number, of: Flow) => waiting / weightOf(of);
  let longest: Flow | undefined;
  for (const [other, { waiters }] of flows) {
    if (other === flow) continue;
    if (longest === undefined || share(waiters.size, other) > share(countOf(flows, longest), longest)) longest = other;
  }
  if (longest === undefined) return undefined;
  const isFair = share(countOf(flows, longest) - 1, longest) >= share(countOf(flows, flow) + 1, flow);
  return isFair ? longest : undefined;
}

/**
 * A fair queue: waiters, each of a flow such as a tenant, served by weighted round-robin. Each flow has as many waiters
 * served in a row as its weight says, 1 by default; within a flow the order is that of arrival. A flow with many waiters
 * delays itself, not the others.
 */
export function createFairQueue<Flow, Waiter>(weightOf: WeightOf<Flow> = () => 1) {
  /** In the order in which they are served next. A flow without waiters is not in it. */
  const flows = new Map<Flow, FlowQueue<Waiter>>();
  let size = 0;

  /** Removes a waiter; true if it was in the queue. */
  function remove(flow: Flow, waiter: Waiter): boolean {
    const queue = flows.get(flow);
    if (!queue?.waiters.delete(waiter)) return false;
    size -= 1;
    if (queue.waiters.size === 0) flows.delete(flow);
    return true;
  }

  return {
    size: (): number => size,
    countOf: (flow: Flow): number => countOf(flows, flow),
    /** How many flows have waiters. */
    flowCount: (): number => flows.size,
    positionOf: (flow: Flow): number => positionOf(flows, flow, weightOf),
    remove,

    /** Adds a waiter at the end of its flow. */
    add(flow: Flow, waiter: Waiter): void {
      const queue = flows.get(flow);
      if (queue) queue.waiters.add(waiter);
      else flows.set(flow, { waiters: new Set([waiter]), remaining: weightOf(flow) });
      size += 1;
    },

    /** Removes the waiter that is served next. */
    next(): Waiter | undefined {
      const [first] = flows;
      if (first === undefined) return undefined;
      const [flow, queue] = first;
      const [waiter] = queue.waiters as Iterable<Waiter> as [Waiter];
      queue.remaining -= 1;
      remove(flow, waiter);
      if (queue.remaining <= 0 && flows.delete(flow)) flows.set(flow, { ...queue, remaining: weightOf(flow) });
      return waiter;
    },

    /** Removes the last waiter of the longest flow, unless that flow would then be shorter than `flow` with one more. */
    evictFor(flow: Flow): Waiter | undefined {
      const longest = longestBeside(flows, flow, weightOf);
      if (longest === undefined) return undefined;
      const last = [...(flows.get(longest)?.waiters ?? [])].at(-1) as Waiter;
      remove(longest, last);
      return last;
    },

    /** Removes all waiters. */
    clear(): Waiter[] {
      const all = [...flows.values()].flatMap(({ waiters }) => [...waiters]);
      flows.clear();
      size = 0;
      return all;
    },
  };
}

/** A fair queue: waiters of several flows, served by weighted round-robin. */
export type FairQueue<Flow, Waiter> = ReturnType<typeof createFairQueue<Flow, Waiter>>;
