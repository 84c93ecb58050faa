import { hostedToolCases } from './cases/hosted-tools.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(hostedToolCases);
