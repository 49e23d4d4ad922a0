/** The texts of a form that is submitted, by the names of its fields; a field that is not there is empty. */
export function formTexts(event: Event): (name: string) => string {
  const form = new FormData(event.currentTarget as HTMLFormElement);
  return (name) => {
    const text = form.get(name);
    return typeof text === 'string' ? text : '';
  };
}
