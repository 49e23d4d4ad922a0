import { describe, expect, it } from 'vitest';
import { firstSignInText } from './first-sign-in.ts';

describe('where the first administrator signs in', () => {
  it.each([
    ['127.0.0.1:24080', 'http://127.0.0.1:24080/'],
    ['192.0.2.10:80', 'http://192.0.2.10:80/'],
    ['0.0.0.0:24080', 'http://mx1.example:24080/'],
    ['[::]:24080', 'http://mx1.example:24080/'],
    ['[::1]:24080', 'http://[::1]:24080/'],
  ])('is an address that a browser can open: %s', (address, place) => {
    expect(firstSignInText(address, false, 'ABCD', 'mx1.example')).toContain(` open ${place} and enter the code ABCD,`);
  });

  it('is by TLS where the page is', () => {
    expect(firstSignInText('[::]:443', true, 'ABCD', 'mx1.example')).toContain(' https://mx1.example:443/ ');
  });
});
