import {
  createBudgetLedger,
  createBudgetService,
  type LimitUse,
  setBudgetsBody,
  type TenantUse,
  toLimitView,
} from '../budgets/index.ts';
import { systemClock } from '../platform/clock.ts';
import { StartError } from '../platform/start-error.ts';
import { anonymousOperator as operator } from '../tenancy/index.ts';
import { requireStore } from './require-store.ts';
import { printLine, printNotice, type StoreParts, toJson, toTable, withStore } from './with-store.ts';

/** The options of `agent-service budgets set`. */
export type SetBudgetsOptions = {
  tenant: string;
  usdDay?: number;
  tokensDay?: number;
  usdMonth?: number;
  tokensMonth?: number;
};

/** The options of `agent-service budgets list`. */
export type ListBudgetsOptions = { tenant?: string; json?: true };

const serviceFor = ({ store: { budgets: store }, settings: { tenantBudgets: tenantDefaults }, log }: StoreParts) =>
  createBudgetService({ store, ledger: createBudgetLedger({ store, tenantDefaults, clock: systemClock }), log });

/** Converts the options to a request. @throws {StartError} that names each invalid option */
function toRequest({ usdDay, tokensDay, usdMonth, tokensMonth }: SetBudgetsOptions) {
  const request = { usd_day: usdDay, tokens_day: tokensDay, usd_month: usdMonth, tokens_month: tokensMonth };
  const result = setBudgetsBody.safeParse(request);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map(
    ({ path, message }) => `--${String(path[0]).replaceAll('_', '-')}: ${message}`,
  );
  throw new StartError([...new Set(mistakes)].join('\n'));
}

/** Replaces the budgets of a tenant. */
export async function setBudgets(options: SetBudgetsOptions): Promise<void> {
  await withStore('writes', () => {
    const request = toRequest(options);
    return async (parts) => {
      const service = serviceFor(parts);
      await service.set(operator, options.tenant, request);
      printLine(`The budgets of ${options.tenant} are set; all processes know within seconds.`);
      printUses([await service.usesOf(operator, options.tenant)]);
    };
  });
}

/** Lists the tenants that have budgets of their own, or one tenant, with the use of each budget. */
export async function listBudgets({ tenant, json }: ListBudgetsOptions): Promise<void> {
  await withStore('reads', (settings) => {
    requireStore(settings);
    return async (parts) => {
      const service = serviceFor(parts);
      const uses = tenant === undefined ? await service.list(operator) : [await service.usesOf(operator, tenant)];
      if (json)
        printLine(toJson(uses.map(({ tenant: id, limits }) => ({ tenant: id, data: limits.map(toLimitView) }))));
      else printUses(uses);
    };
  });
}

const headings = ['TENANT', 'BUDGET', 'LIMIT', 'USED', '', 'RESERVED', 'RESETS'];
const toDisplay = (value: number): string => String(Number(value.toPrecision(6)));

const toRow = (tenant: string, { unit, period, limit, used, reserved, endsAtMs }: LimitUse): string[] => [
  tenant,
  `${unit === 'usd' ? 'USD' : 'tokens'} a ${period}`,
  toDisplay(limit),
  toDisplay(used),
  `${Math.floor((used / limit) * 100)} %`,
  toDisplay(reserved),
  new Date(endsAtMs).toISOString().slice(0, 16).replace('T', ' '),
];

function printUses(uses: readonly TenantUse[]): void {
  const rows = uses.flatMap(({ tenant, limits }) => limits.map((limit) => toRow(tenant, limit)));
  if (rows.length === 0) printNotice('There are no budgets beside those that the settings give to every tenant.');
  else printLine(toTable([headings, ...rows]));
}
