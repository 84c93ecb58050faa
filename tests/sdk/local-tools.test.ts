import { localToolCases } from './cases/local-tools.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(localToolCases);
