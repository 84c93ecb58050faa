/**
 * Loaded into a service (`--import`) whose statements on SQLite are to be counted: it counts what is executed by text,
 * and answers any message of its parent with the counts so far. Not for what is timed.
 */
import { DatabaseSync, StatementSync } from 'node:sqlite';

const counts = new Map<string, number>();
const count = (text: string) => counts.set(text, (counts.get(text) ?? 0) + 1);

type Method = (this: StatementSync, ...values: unknown[]) => unknown;
const methods = StatementSync.prototype as unknown as Record<string, Method>;
for (const name of ['run', 'get', 'all', 'iterate']) {
  const original = methods[name] as Method;
  methods[name] = function counted(...values) {
    count(this.sourceSQL);
    return original.apply(this, values);
  };
}

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function counted(text) {
  count(text);
  return exec.call(this, text);
};

process.on('message', () => process.send?.(Object.fromEntries(counts)));
process.channel?.unref();
