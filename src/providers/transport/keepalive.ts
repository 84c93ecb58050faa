/** Names of events that only show that the connection lives. */
const quietNames = new Set(['ping', 'keepalive', 'keep-alive', 'heartbeat']);
/** The longest data that can be a sign of life; longer data is not looked at. */
const quietCharsMax = 100;
const quietType = /^\{\s*"(?:type|event)"\s*:\s*"(?:ping|keepalive|keep-alive|heartbeat)"/;

/**
 * Whether an event of a stream says nothing: like a comment, it only shows that the connection lives. Such are empty data,
 * `null`, an empty object, a text, and a ping.
 */
export function isKeepalive(data: string, name: string): boolean {
  if (data.length > quietCharsMax || name === 'error') return false;
  if (name !== '' && quietNames.has(name)) return true;
  const text = data.trim();
  return text === '' || text === 'null' || text === '{}' || text.startsWith('"') || quietType.test(text);
}
