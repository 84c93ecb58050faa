export { type CallTimeout, MalformedAnswerError, ModelCallTimeoutError, TruncatedAnswerError } from './call-errors.ts';
export type { ModelApi, ModelConnection, ModelTimeouts } from './connection.ts';
export { createModelClient, type ModelClient } from './model-client.ts';
export { type AnswerEnd, answerEndOf, answerEnds, idText, newCallId } from './normalise/index.ts';
export { createProxyFetch, type Proxies, proxyFor, proxyOrigin } from './proxy.ts';
