import { toolCases } from './cases/tools.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(toolCases);
