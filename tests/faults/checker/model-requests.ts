import { type FakeProvider, type RecordedRequest, recordedRequestsMax } from '../../support/fake-provider.ts';

type Message = { role?: string; content?: string | { text?: string }[] };

/** What the user said last in the conversation that a model was shown. */
function lastMessage({ body }: RecordedRequest): string | null {
  const input = (body?.input ?? []) as Message[] | string;
  if (typeof input === 'string') return input;
  const content = input.findLast(({ role }) => role === 'user')?.content;
  return typeof content === 'string' ? content : (content?.map(({ text = '' }) => text).join('') ?? null);
}

/** Counts the requests for model calls by what the user said, over more of them than the provider remembers. */
export function createModelRequests(provider: FakeProvider) {
  const counts = new Map<string, number>();
  let lastNumber = 0;

  return {
    /**
     * Reads the requests since the last time. To be called before the provider has got as many as it remembers.
     *
     * @throws {Error} if it came too late
     */
    async collect(): Promise<void> {
      const unread = (await provider.requests()).filter(({ number }) => number > lastNumber);
      // One whose body is still on its way is read the next time, with those after it.
      const arriving = unread.findIndex(
        ({ body, method, outcome }) => method === 'POST' && !body && outcome === 'in_flight',
      );
      const requests = arriving === -1 ? unread : unread.slice(0, arriving);
      if (requests[0] && requests[0].number !== lastNumber + 1) {
        throw new Error(`The provider remembers ${recordedRequestsMax} requests, and got more since they were read.`);
      }
      for (const request of requests) {
        const message = request.path === '/v1/responses' ? lastMessage(request) : null;
        if (message !== null) counts.set(message, (counts.get(message) ?? 0) + 1);
      }
      lastNumber = requests.at(-1)?.number ?? lastNumber;
    },
    /** How many requests there were for each message. */
    counts,
  };
}
