import { runnerCases } from './cases/runner.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(runnerCases);
