/** Environments of a developer, which may share a store. */
export const isLocal = (environment: string): boolean => environment === 'development' || environment === 'test';

/** Whether processes of an environment may use a store that is stamped with another one, or with the same. */
export const mayUseStore = (environment: string, stamp: string): boolean =>
  environment === stamp || (isLocal(environment) && isLocal(stamp));
