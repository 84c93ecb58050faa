import { Command, Option } from 'commander';
import { packageVersion } from '../platform/versions.ts';
import type { ListBudgetsOptions, SetBudgetsOptions } from './budgets.ts';
import { toCount } from './count-option.ts';
import type { DoctorOptions } from './doctor.ts';
import { toDuration } from './duration-option.ts';
import type { CreateKeyOptions, ListKeysOptions } from './keys.ts';
import { toNumber } from './number-option.ts';
import type { PruneOptions } from './prune.ts';
import { toServiceUrl } from './url-option.ts';

const defaultFile = 'src/main.ts';
const fileHelp = 'the program that calls serve()';

const program = new Command('agent-service')
  .description('Serve agents built on the OpenAI Agents SDK as a production service.')
  .version(packageVersion())
  .showHelpAfterError('(agent-service --help tells more)');

// Each command is loaded when it is called: the SDK takes longer to load than everything else together.
program
  .command('dev')
  .description('serve for development: restarts on changes, readable logs, a simulated model where there is no key')
  .argument('[file]', fileHelp, defaultFile)
  .action(async (file: string) => (await import('./dev.ts')).dev(file));

program
  .command('start')
  .description('serve; settings come from the environment or files such as .env, APP_ENV defaults to production')
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

const doctor: Command = program
  .command('doctor')
  .description('say what is wrong with the settings, the model provider and the store, and what to do about it')
  .option('--replicas <count>', 'processes that will use the store: pods, and one more for an update', toCount, 1)
  .option('--url <url>', 'look at a running service over HTTP instead', toServiceUrl)
  .option('--run', 'with --url: make one run, with the key in ADMIN_API_KEY')
  .option('--strict', 'end with 1 for warnings too')
  .option('--json', 'a report for programs')
  .addOption(new Option('--look <look>', 'look at an embedded store and print JSON').hideHelp())
  .addOption(new Option('--folder <folder>', 'the folder of the embedded store').hideHelp())
  .addHelpText(
    'after',
    '\nExit codes: 0 all is well, 1 something is wrong, 2 it was called wrongly. No secret is printed.',
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (options: DoctorOptions) => {
    if (options.run && options.url === undefined) doctor.error("error: option '--run' needs '--url <url>'");
    await (await import('./doctor.ts')).doctor(options);
  });

const keys = program
  .command('keys')
  .description('make, list and revoke API keys; the service may run meanwhile, and knows within seconds');

keys
  .command('create')
  .description('make a key, and print it: it is shown this once')
  .requiredOption('--tenant <name>', 'whose key it is; a new name makes a new tenant')
  .requiredOption('--scopes <list>', 'of run, read, admin; separated by commas')
  .option('--name <text>', 'what people call it')
  .option('--rpm <count>', 'runs a minute (default: RATE_LIMIT_RPM)', toNumber)
  .option('--burst <count>', 'runs at once (default: RATE_LIMIT_BURST)', toNumber)
  .option('--budget-usd-day <usd>', 'USD a day (default: no limit)', toNumber)
  .option('--budget-tokens-day <count>', 'tokens a day (default: no limit)', toNumber)
  .option('--budget-usd-month <usd>', 'USD a month (default: no limit)', toNumber)
  .option('--budget-tokens-month <count>', 'tokens a month (default: no limit)', toNumber)
  .option('--expires <duration>', 'such as 90d or 12h from now (default: never)', toDuration)
  .option('--json', 'print the key with all that is known of it, as JSON')
  .addHelpText('after', '\nStandard output has the key alone: API_KEY=$(agent-service keys create …).')
  .action(async (options: CreateKeyOptions) => (await import('./keys.ts')).createKey(options));

keys
  .command('list')
  .description('list keys, the last made first, also those that are over')
  .option('--tenant <name>', 'those of one tenant')
  .option('--json', 'as a JSON array')
  .action(async (options: ListKeysOptions) => (await import('./keys.ts')).listKeys(options));

keys
  .command('revoke')
  .description('end a key for good, everywhere within seconds; its open streams end too')
  .argument('<id>', 'key_…, as of keys list')
  .action(async (id: string) => (await import('./keys.ts')).revokeKey(id));

const budgets = program
  .command('budgets')
  .description('look at budgets, and give them to tenants; the service may run meanwhile, and knows within seconds');

budgets
  .command('set')
  .description('give a tenant budgets of its own in place of those it had; without any it has those of the settings')
  .requiredOption('--tenant <name>', 'whose they are; a new name makes a new tenant')
  .option('--usd-day <usd>', 'USD a day (default: TENANT_BUDGET_USD_DAY)', toNumber)
  .option('--tokens-day <count>', 'tokens a day (default: TENANT_BUDGET_TOKENS_DAY)', toNumber)
  .option('--usd-month <usd>', 'USD a month (default: TENANT_BUDGET_USD_MONTH)', toNumber)
  .option('--tokens-month <count>', 'tokens a month (default: TENANT_BUDGET_TOKENS_MONTH)', toNumber)
  .addHelpText('after', '\nDays and months are those of UTC. The budgets of a key are given with keys create.')
  .action(async (options: SetBudgetsOptions) => (await import('./budgets.ts')).setBudgets(options));

budgets
  .command('list')
  .description('list the tenants that have budgets of their own, with what is used of them')
  .option('--tenant <name>', 'those of one tenant, also those of the settings')
  .option('--json', 'as a JSON array')
  .action(async (options: ListBudgetsOptions) => (await import('./budgets.ts')).listBudgets(options));

await program.parseAsync();
