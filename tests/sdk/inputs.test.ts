import { inputCases } from './cases/inputs.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(inputCases);
