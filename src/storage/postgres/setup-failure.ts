import { ServiceError } from '../../platform/errors.ts';
import { StoreSetupError } from '../setup-error.ts';
import { describeUrl } from './connection.ts';
import { reasonOf } from './errors.ts';

/**
 * Does `work`; its error names the setting and its target, without the password.
 *
 * @throws {StoreSetupError} with what `work` threw as its cause
 */
export async function attempt<T>(setting: string, url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreSetupError) throw error;
    const cause = error instanceof ServiceError ? error.cause : error;
    throw new StoreSetupError(`${setting} leads to ${describeUrl(url)}, which cannot be used: ${reasonOf(cause)}`, {
      cause,
    });
  }
}
