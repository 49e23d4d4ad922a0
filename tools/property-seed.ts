/**
 * Property tests draw the same examples in every run, so that a state of the code passes always or never; `npm run soak`
 * draws new ones. A counterexample is drawn again with the seed that it tells, in MAILYARD_SEED.
 */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: Number(process.env['MAILYARD_SEED'] ?? 1) });
