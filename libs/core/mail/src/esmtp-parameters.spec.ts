import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMailParameters, readRcptParameters } from './esmtp-parameters.ts';
import { decodeXtext, isXtext } from './xtext.ts';

describe('parameters of MAIL', () => {
  it('are read in any case and order', () => {
    expect(readMailParameters(' size=1234 BODY=8bitmime smtputf8 RET=hdrs ENVID=a+2Bb')).toEqual({
      sizeOctets: 1234,
      eightBit: true,
      binary: false,
      smtpUtf8: true,
      ret: 'HDRS',
      envid: 'a+2Bb',
    });
  });

  it.each([
    ['SIZE=0x10', 501],
    ['SIZE=1e3', 501],
    ['SIZE=-1', 501],
    ['SIZE=184467440737095516170', 501],
    ['SIZE', 501],
    ['SIZE=1 SIZE=1', 501],
    ['BODY=BINARYMIME', 501],
    ['BODY=', 501],
    ['SMTPUTF8=yes', 501],
    ['RET=SOME', 501],
    ['ENVID=a+2b', 501],
    ['ENVID=a=b', 501],
    [`ENVID=${'a'.repeat(101)}`, 501],
    ['=x', 501],
    ['AUTH=<>', 555],
    ['__proto__=1', 501],
    ['CONSTRUCTOR=1', 555],
    ['XFOO', 555],
  ])('%s is refused with %i 5.5.4', (text, code) => {
    expect(readMailParameters(` ${text}`)).toMatchObject({ code, enhancedStatus: '5.5.4' });
  });
});

describe('the parameter AUTH of MAIL', () => {
  it.each([
    ['AUTH=<>', undefined],
    ['AUTH=ada+40example.com', undefined],
    ['AUTH=', 501],
    ['AUTH', 501],
    ['AUTH=a=b', 501],
    ['AUTH=<> AUTH=<>', 501],
  ])('%s is read where AUTH is offered, and kept nowhere (RFC 4954 §5)', (text, code) => {
    const read = readMailParameters(` ${text}`, { authentication: true });
    if (code === undefined) expect(read).toEqual({ eightBit: false, binary: false, smtpUtf8: false });
    else expect(read).toMatchObject({ code });
  });
});

describe('parameters of RCPT', () => {
  it('are kept in the form that is passed on', () => {
    expect(readRcptParameters(' notify=success,FAILURE ORCPT=rfc822;u+40example.com')).toEqual({
      notify: 'SUCCESS,FAILURE',
      orcpt: 'rfc822;u+40example.com',
    });
    expect(readRcptParameters('')).toEqual({});
  });

  it.each([
    'NOTIFY=NEVER,SUCCESS',
    'NOTIFY=',
    'NOTIFY',
    'NOTIFY=SUCCESS,SUCCESS',
    'NOTIFY=SOMETIMES',
    'ORCPT=u@example.com',
    'ORCPT=;u',
    'ORCPT=rfc822;a b',
    'ORCPT=rfc822;a+4g',
    'ORCPT=rfc822;a ORCPT=rfc822;a',
  ])('%s is refused (RFC 3461 §4)', (text) => {
    expect(readRcptParameters(` ${text}`)).toMatchObject({ code: expect.any(Number), enhancedStatus: '5.5.4' });
  });

  it('never throw on any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        readMailParameters(text);
        readRcptParameters(text);
      }),
    );
  });
});

describe('xtext', () => {
  it('decodes to what was encoded', () => {
    expect(decodeXtext('u+40a+2B+3D')).toBe('u@a+=');
    expect(isXtext('u+40a')).toBe(true);
    expect(['a+4', 'a=b', 'a b', 'a+4g', '\u00e9'].map((text) => isXtext(text))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
