import { buildBareServer } from './bare-server.ts';

type Parameter = { name: string; in: string };
type Operation = {
  operationId: string;
  security: { apiKey?: string[] }[];
  parameters?: Parameter[];
  requestBody?: unknown;
};

/** An operation of the API, as its OpenAPI document describes it. */
export type ApiOperation = {
  route: string;
  method: string;
  path: string;
  operationId: string;
  /** The scope that it requires; undefined for none. */
  scope: string | undefined;
  /** The names of its query parameters. */
  query: string[];
  hasBody: boolean;
};

/** Every operation of the OpenAPI document of a service that requires keys, without the probes. */
export async function readOperations(): Promise<ApiOperation[]> {
  await using app = await buildBareServer({ AUTH_MODE: 'api_key' });
  await app.ready();
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, Operation>> };
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        route: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        operationId: operation.operationId,
        scope: operation.security[0]?.apiKey?.[0],
        query: (operation.parameters ?? []).filter((each) => each.in === 'query').map(({ name }) => name),
        hasBody: operation.requestBody !== undefined,
      })),
    );
}
