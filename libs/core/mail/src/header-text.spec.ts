import { describe, expect, it } from 'vitest';
import { countFields, firstField } from './header-text.ts';

const SECTION =
  'Received: one\r\nreceived : two\r\nX-Received: three\r\nFROM: a\r\n b\r\n\tc\r\nFrom: d\r\nSubject: From: e\r\n';

describe('the text of a header section', () => {
  it('has fields counted by whole names, in any case, up to a limit', () => {
    expect(countFields(SECTION, 'received', 100)).toBe(2);
    expect(countFields(SECTION, 'received', 0)).toBe(1);
    expect(countFields('', 'received', 100)).toBe(0);
  });

  it('gives the first value of a name, unfolded', () => {
    expect(firstField(SECTION, 'from')).toBe('a b\tc');
    expect(firstField(SECTION, 'reply-to')).toBeUndefined();
    expect(firstField('Message-ID:\r\n <a@b>', 'message-id')).toBe('<a@b>');
    expect(firstField('Message-ID:', 'message-id')).toBe('');
  });
});
