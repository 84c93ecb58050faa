import { isRecord } from '../../../platform/is-record.ts';
import { idText } from './plain-text.ts';
import type { Item } from './responses-item.ts';

/** An event that is about an item. */
export type ItemEvent = {
  type?: unknown;
  output_index?: unknown;
  item_id?: unknown;
  item?: unknown;
  part?: unknown;
  text?: unknown;
  refusal?: unknown;
  arguments?: unknown;
};

type Streamed = {
  /** Where the server counts items. */
  index: number | undefined;
  id: string | undefined;
  item: Item;
  /** Whether the server said that the item, or a part of it, is complete. */
  isDone: boolean;
  parts: Item[];
  /** Whether pieces of a text or of arguments have come that no event has said to be complete. */
  isOpen: boolean;
};

/**
 * The items of a response as its events gave them, for servers that end it without them. Only what an event has said to be
 * complete counts: half a text is none.
 */
export class StreamedItems {
  readonly #items: Streamed[] = [];

  /** A piece of a text, or of the arguments of a call, arrived. */
  pieceArrived(event: ItemEvent): void {
    const last = this.#items.at(-1);
    if (last?.isOpen && !last.isDone && last.id === idText(event.item_id)) return; // nearly always
    const known = this.#find(event);
    if (known) known.isOpen = true;
    else this.#items.push({ ...this.#placeOf(event), item: {}, isDone: false, parts: [], isOpen: true });
  }

  /** An event about an item arrived. */
  see(event: ItemEvent): void {
    switch (event.type) {
      case 'response.output_item.added':
        this.#add(event, false);
        break;
      case 'response.output_item.done':
        this.#add(event, true);
        break;
      case 'response.output_text.done':
        this.#addPart(event, { type: 'output_text', text: event.text });
        break;
      case 'response.refusal.done':
        this.#addPart(event, { type: 'refusal', refusal: event.refusal });
        break;
      case 'response.function_call_arguments.done': {
        const call = this.#find(event);
        if (call?.item.type !== 'function_call' || call.isDone) break;
        call.item = { ...call.item, arguments: event.arguments, status: 'completed' };
        call.isDone = true;
      }
    }
  }

  /** The calls of tools that an event has said to be complete. */
  completeCalls(): Item[] {
    return this.#items.filter(({ item, isDone }) => isDone && item.type === 'function_call').map(({ item }) => item);
  }

  /** The items that are complete, in their order. Null if one of them has pieces that no event has said to be complete. */
  complete(): Item[] | null {
    if (this.#items.some(({ isOpen, isDone }) => isOpen && !isDone)) return null;
    return this.#items.flatMap(({ item, isDone, parts }): Item[] => {
      if (isDone) return [item];
      if (parts.length === 0) return [];
      return [{ role: 'assistant', ...item, type: 'message', status: 'completed', content: parts }];
    });
  }

  #add(event: ItemEvent, isDone: boolean): void {
    const item = event.item as Item;
    const known = this.#find(event);
    // The events after this one change the item of this one, which the SDK has as well: so a copy is kept.
    if (known) Object.assign(known, { item: { ...item }, isDone: isDone || known.isDone });
    else this.#items.push({ ...this.#placeOf(event), item: { ...item }, isDone, parts: [], isOpen: false });
  }

  #addPart(event: ItemEvent, part: Item): void {
    const known = this.#find(event);
    if (known) Object.assign(known, { parts: [...known.parts, part], isOpen: false });
    else this.#items.push({ ...this.#placeOf(event), item: {}, isDone: false, parts: [part], isOpen: false });
  }

  #placeOf({ output_index: index, item_id: itemId, item }: ItemEvent): Pick<Streamed, 'index' | 'id'> {
    return {
      index: typeof index === 'number' ? index : undefined,
      id: idText(isRecord(item) ? item.id : itemId),
    };
  }

  /** The item that an event is about: the one with its id, else with its index; else the last one that is not complete. */
  #find(event: ItemEvent): Streamed | undefined {
    const { index, id } = this.#placeOf(event);
    if (id !== undefined) {
      const known = this.#items.find((each) => each.id === id);
      if (known) return known;
    }
    const callId = isRecord(event.item) ? event.item.call_id : undefined;
    const isOther = (each: Streamed) =>
      (id !== undefined && each.id !== undefined) || (callId !== undefined && each.item.call_id !== callId);
    if (index !== undefined) return this.#items.find((each) => each.index === index && !isOther(each));
    return this.#items.findLast((each) => !each.isDone && !isOther(each));
  }
}
