import { Command } from 'commander';
import { versions } from '../platform/sdk.ts';
import { dev } from './dev.ts';
import { migrate } from './migrate.ts';
import { start } from './start.ts';

const defaultFile = 'src/main.ts';
const fileHelp = `the program that calls serve() (default: ${defaultFile})`;

const program = new Command('agent-service')
  .description('Serve agents built on the OpenAI Agents SDK as a production service.')
  .version(versions().app)
  .showHelpAfterError('(agent-service --help tells more)');

program
  .command('dev')
  .description('serve for development: restarts on changes, readable logs, a simulated model where there is no key')
  .argument('[file]', fileHelp, defaultFile)
  .action(dev);

program
  .command('start')
  .description('serve; settings come from the environment or .env, APP_ENV defaults to production')
  .argument('[file]', fileHelp, defaultFile)
  .action(start);

program
  .command('migrate')
  .description("bring the store's schema up to date: Postgres of DATABASE_URL, or the embedded store in DATA_DIR")
  .action(migrate);

await program.parseAsync();
