import type { ModelRequest } from '@openai/agents';
import { type CallPrice, maxSpendingOf, type Reservation, type ReservationRequest } from '../../budgets/index.ts';
import { ServiceError } from '../../platform/errors.ts';
import { toNanoUsd } from '../../platform/money.ts';
import type { RequestedModel } from '../../providers/index.ts';
import type { Usage } from '../../storage/port/index.ts';
import type { RunScope } from './run-scope.ts';
import { estimateInputTokens, estimateTokens } from './token-estimate.ts';

/** The most tokens that a model is taken to put out of which nothing better is known. */
const unknownOutputTokensMax = 16_384;

/**
 * Reserves what a model call may spend, of all budgets that its run is under; it may have to wait for that. Null where
 * there is none, at once where that is known.
 *
 * @throws {ServiceError} `budget_exceeded`
 */
export function reserveForCall(
  { activity, defaults }: RunScope,
  stepKey: string,
  model: RequestedModel,
  request: ModelRequest,
): Promise<CallReservation | null> | null {
  let price: CallPrice = { inputTokens: 0, inputNanoUsd: 0, outputNanoUsd: 0 };
  const ask = (): ReservationRequest => {
    const inputTokens = estimateInputTokens(request);
    const { money, outputTokensMax } = defaults.maxCostOf?.(model, inputTokens) ?? {
      money: null,
      outputTokensMax: null,
    };
    price = { ...price, inputTokens, ...money };
    const most = request.modelSettings.maxTokens ?? outputTokensMax ?? unknownOutputTokensMax;
    return { stepKey, model: model.name, inputTokens, money, outputTokensMax: most };
  };
  const reserving = activity.budget.reserve(ask);
  if (reserving === null) return null;
  return reserving.then((hold) => hold && createPaidCall(hold, price, request));
}

function createPaidCall(hold: Reservation, price: CallPrice, request: ModelRequest) {
  const { outputTokensMax } = hold;
  let used = { tokens: 0, nanoUsd: 0 };
  const { modelSettings } = request;

  return {
    /** The request, which asks for no more than what is left. */
    request:
      outputTokensMax === null
        ? request
        : { ...request, modelSettings: { ...modelSettings, maxTokens: outputTokensMax } },

    /** The call was answered; where the provider does not say what that took, it is estimated. */
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

    /** The call has broken off; a provider that had begun to answer is to be paid for that. */
    brokeOff(text: string): void {
      if (text !== '') used = maxSpendingOf(price, estimateTokens(text));
    },

    /** What an answer that was cut off at the limit means if the budget was the limit. */
    judge(error: unknown): unknown {
      const isCut = error instanceof ServiceError && error.code === 'output_limit_reached' && outputTokensMax !== null;
      if (!isCut) return error;
      const reason = `The budget left room for ${outputTokensMax} tokens of an answer, which were not enough.`;
      return new ServiceError('budget_exceeded', { reason }, { cause: error });
    },

    /** The call is over: what it did not use is given back. */
    settle: (): Promise<void> => hold.settle(used),
  };
}

/** A model call for which enough is reserved. */
export type CallReservation = ReturnType<typeof createPaidCall>;
