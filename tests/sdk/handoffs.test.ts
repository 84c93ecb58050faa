import { handoffCases } from './cases/handoffs.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(handoffCases);
