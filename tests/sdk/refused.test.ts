import { configurationCases, refusedCases } from './cases/refused.ts';
import { compareWithSdk } from './compare.ts';

// Those that change what is global in the SDK come last.
compareWithSdk([...refusedCases, ...configurationCases]);
