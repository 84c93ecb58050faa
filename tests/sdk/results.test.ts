import { resultCases } from './cases/results.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(resultCases);
