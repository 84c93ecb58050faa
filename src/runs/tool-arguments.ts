/** A tool's arguments as a value; text that is not JSON stays text. */
export function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
