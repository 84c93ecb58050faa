import { Command, Option } from 'commander';
import { packageVersion } from '../platform/versions.ts';
import { toDuration } from './duration-option.ts';
import type { PruneOptions } from './prune.ts';

const defaultFile = 'src/main.ts';
const fileHelp = 'the program that calls serve()';

const program = new Command('agent-service')
  .description('Serve agents built on the OpenAI Agents SDK as a production service.')
  .version(packageVersion())
  .showHelpAfterError('(agent-service --help tells more)');

// Each command is loaded when it is called: the SDK alone takes longer to load than all the rest.
program
  .command('dev')
  .description('serve for development: restarts on changes, readable logs, a simulated model where there is no key')
  .argument('[file]', fileHelp, defaultFile)
  .action(async (file: string) => (await import('./dev.ts')).dev(file));

program
  .command('start')
  .description('serve; settings come from the environment or .env, APP_ENV defaults to production')
  .argument('[file]', fileHelp, defaultFile)
  .addOption(new Option('--report-modules', 'tell the parent process which files to watch').hideHelp())
  .action(async (file: string, options: { reportModules?: true }) => (await import('./start.ts')).start(file, options));

program
  .command('migrate')
  .description("bring the store's schema up to date: Postgres of DATABASE_URL, or the embedded store in DATA_DIR")
  .action(async () => (await import('./migrate.ts')).migrate());

program
  .command('prune')
  .description('remove runs that ended long ago, with their steps and events, and expired idempotency keys')
  .option('--older-than <duration>', 'such as "30 days" or 12h (default: RUN_RETENTION)', toDuration)
  .option('--dry-run', 'count them, and remove nothing')
  .addHelpText('after', '\nThe service may run meanwhile. Sessions and their items stay.')
  .action(async (options: PruneOptions) => (await import('./prune.ts')).prune(options));

await program.parseAsync();
