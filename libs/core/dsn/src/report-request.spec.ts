import type { Address } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { statusOf, wantsReport } from './index.ts';

const ANN = 'ann@sender.test' as Address;

describe('wantsReport', () => {
  it.each([
    [undefined, 'failed', true],
    [undefined, 'delayed', true],
    [undefined, 'relayed', false],
    ['NEVER', 'failed', false],
    ['NEVER', 'delayed', false],
    ['FAILURE', 'failed', true],
    ['FAILURE', 'delayed', false],
    ['SUCCESS', 'failed', false],
    ['SUCCESS', 'relayed', true],
    ['success,Delay', 'delayed', true],
    ['SUCCESS,FAILURE,DELAY', 'failed', true],
  ] as const)('with NOTIFY %s and action %s is %s', (notify, action, wanted) => {
    expect(wantsReport(ANN, notify, action)).toBe(wanted);
  });

  it('is false for the null reverse-path, whatever was asked (R79)', () => {
    expect(wantsReport(null, 'SUCCESS,FAILURE,DELAY', 'failed')).toBe(false);
    expect(wantsReport(null, undefined, 'failed')).toBe(false);
  });
});

describe('statusOf', () => {
  it.each([
    ['failed', 550, '5.1.1', '5.1.1'],
    ['failed', 450, '4.4.7', '4.4.7'],
    ['failed', 550, undefined, '5.0.0'],
    ['failed', 450, undefined, '4.0.0'],
    ['failed', 550, '2.0.0', '5.0.0'],
    ['delayed', 450, '4.2.0', '4.2.0'],
    ['delayed', 450, '5.2.0', '4.0.0'],
    ['relayed', 250, '2.6.0', '2.6.0'],
    ['relayed', 250, undefined, '2.0.0'],
  ] as const)('of %s with %i %s is %s', (action, code, enhancedStatus, status) => {
    const reply = { code, text: '', ...(enhancedStatus === undefined ? {} : { enhancedStatus }) };
    expect(statusOf({ action, reply })).toBe(status);
  });
});
