/**
 * Waits until a condition holds, asking every 20 ms.
 *
 * @param limitMs gives up after this long: generous, since it only bounds a failure
 * @throws when the limit passed, with what `describe` says of the state then
 */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  limitMs = 45_000,
  describe: () => string = () => String(condition),
): Promise<void> {
  const until = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`not within ${limitMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
