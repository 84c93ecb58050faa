import type { ModelRequest } from '@openai/agents';
import { type CallPrice, maxSpendingOf, type Reservation, type ReservationRequest } from '../../budgets/index.ts';
import { ServiceError } from '../../platform/errors.ts';
import { toNanoUsd } from '../../platform/money.ts';
import type { RequestedModel } from '../../providers/index.ts';
import type { Usage } from '../../storage/port/index.ts';
import type { RunScope } from './run-scope.ts';
import { estimateInputTokens, estimateTokens } from './token-estimate.ts';

/** The most output tokens that are assumed of a model whose limit is unknown. */
const unknownOutputTokensMax = 16_384;

/**
 * Reserves what a model call may spend, of all budgets of its run; the call may have to wait for that. Null if the run
 * has no budget; without a promise where that is known at once.
 *
 * @throws {ServiceError} `budget_exceeded`
 */
export function reserveForCall(
  { attempt, defaults }: RunScope,
  stepKey: string,
  model: RequestedModel,
  request: ModelRequest,
): Promise<CallReservation | null> | null {
  let price: CallPrice = { inputTokens: 0, inputNanoUsd: 0, outputNanoUsd: 0 };
  const makeRequest = (): ReservationRequest => {
    const inputTokens = estimateInputTokens(request);
    const { money, outputTokensMax } = defaults.maxCostOf?.(model, inputTokens) ?? {
      money: null,
      outputTokensMax: null,
    };
    price = { ...price, inputTokens, ...money };
    const most = request.modelSettings.maxTokens ?? outputTokensMax ?? unknownOutputTokensMax;
    return { stepKey, model: model.name, inputTokens, money, outputTokensMax: most };
  };
  const reserving = attempt.budget.reserve(makeRequest);
  if (reserving === null) return null;
  return reserving.then((reservation) => reservation && createCallReservation(reservation, price, request));
}

function createCallReservation(reservation: Reservation, price: CallPrice, request: ModelRequest) {
  const { outputTokensMax } = reservation;
  let used = { tokens: 0, nanoUsd: 0 };
  const { modelSettings } = request;

  return {
    /** The request, limited to the output tokens that are left in the budget. */
    request:
      outputTokensMax === null
        ? request
        : { ...request, modelSettings: { ...modelSettings, maxTokens: outputTokensMax } },

    /** The call was answered. If the provider reports no tokens, they are estimated. */
    answered({ inputTokens, outputTokens, totalTokens }: Usage, costUsd: number | null, text: string): void {
      const counted = totalTokens > 0;
      const most = maxSpendingOf(
        counted ? { ...price, inputTokens } : price,
        counted ? outputTokens : estimateTokens(text),
      );
      used = {
        tokens: counted ? totalTokens : most.tokens,
        nanoUsd: costUsd === null ? most.nanoUsd : toNanoUsd(costUsd),
      };
    },

    /** The call has broken off after this text; a provider that had begun to answer charges for it. */
    brokeOff(text: string): void {
      if (text !== '') used = maxSpendingOf(price, estimateTokens(text));
    },

    /** The error of the call: `budget_exceeded` for an answer that was cut off at the limit of the budget. */
    explain(error: unknown): unknown {
      const isCut = error instanceof ServiceError && error.code === 'output_limit_reached' && outputTokensMax !== null;
      if (!isCut) return error;
      const reason = `The budget left room for ${outputTokensMax} tokens of an answer, which were not enough.`;
      return new ServiceError('budget_exceeded', { reason }, { cause: error });
    },

    /** The call is over: what it did not use is released. */
    settle: (): Promise<void> => reservation.settle(used),
  };
}

/** The reservation of one model call, of all budgets of its run. */
export type CallReservation = ReturnType<typeof createCallReservation>;
