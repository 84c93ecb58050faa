import { flowCases } from './cases/flows.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(flowCases);
