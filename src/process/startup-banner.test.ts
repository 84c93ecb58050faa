import { expect, test } from 'vitest';
import { parseSettings } from '../platform/settings/settings.ts';
import { startupBanner } from './startup-banner.ts';

const environment = { APP_ENV: 'development', PORT: '0', METRICS_PORT: '0', APP_NAME: 'desk' };
const addresses = { url: null, probeUrl: 'http://127.0.0.1:9464' };
const sources = { store: { place: 'the embedded store in ./data', environment: 'development' }, files: [] };
const settings = { ...parseSettings(environment), hasKey: false };

test('the banner of a process without a port for callers has the address of its probes, and no request to try', () => {
  const text = startupBanner({ ...addresses, ...sources }, settings);
  expect(text).toContain('desk executes runs (development)\n\n  Probes  http://127.0.0.1:9464/readyz\n');
  expect(text).not.toMatch(/API {2}|Docs|curl|Try it|null/);
});

test('the banner names the store and its environment, and the files that settings were read from', () => {
  const files = ['.env.development', '.env'];
  expect(startupBanner({ ...addresses, ...sources, files }, settings)).toContain(
    '  Store   the embedded store in ./data (of development)\n  Files   .env.development, .env\n',
  );
  expect(startupBanner({ ...addresses, ...sources }, settings)).not.toContain('Files');
  const store = { place: 'database "agents" on db:5432 as "app"', environment: null };
  expect(startupBanner({ ...addresses, ...sources, store }, settings)).toContain(
    '  Store   database "agents" on db:5432 as "app" (of no environment)\n',
  );
});
