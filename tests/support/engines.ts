import { createTestDatabase } from './postgres.ts';

/** A store for one test file, as the environment of the services that share it. */
export type EngineUnderTest = {
  env: Record<string, string>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** The engines of the store; what a client sees must not depend on which one it is. */
export const engines: { name: 'sqlite' | 'postgres'; open(): Promise<EngineUnderTest> }[] = [
  { name: 'sqlite', open: async () => ({ env: {}, [Symbol.asyncDispose]: async () => {} }) },
  {
    name: 'postgres',
    async open() {
      const database = await createTestDatabase();
      return { env: { DATABASE_URL: database.url }, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
    },
  },
];
