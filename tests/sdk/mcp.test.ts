import { mcpCases } from './cases/mcp.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(mcpCases);
