/** A planet as a form holds it. */
export interface PlanetForm {
  name: string;
  group_id: string;
  cookie: string;
}

/** What the service would refuse, by field; an existing planet keeps its cookie when none is given. */
export function planetProblems(form: PlanetForm, isNew: boolean): Partial<Record<keyof PlanetForm, string>> {
  const found: Partial<Record<keyof PlanetForm, string>> = {};
  if (form.name.trim() === "") found.name = "请填写名称";
  if (!/^\d{1,32}$/.test(form.group_id.trim())) found.group_id = "群组编号只能是数字";
  if (isNew && form.cookie.trim() === "") found.cookie = "请粘贴登录凭证";
  return found;
}
