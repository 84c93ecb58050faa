import { guardrailCases } from './cases/guardrails.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(guardrailCases);
