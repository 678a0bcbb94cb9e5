# SPDX-License-Identifier: MIT
"""match: does what came fit what a scene says?

`{name}` remembers at first use and must match later, `{any}` fits anything, `{none}` as an
attribute's value says that the attribute is not there, and `<!name/>` that no such child is.
"""

import re

from tinyxml import Elem

CAPTURE = re.compile(r"\{([A-Za-z_]\w*)\}")


def fits_text(want, got, names):
    """The names after the match, or None."""
    if "{" not in want:
        return names if want == got else None
    if got is None:
        return None
    parts, last, seen = [], 0, {}
    for found in CAPTURE.finditer(want):
        parts.append(re.escape(want[last:found.start()]))
        last = found.end()
        name = found.group(1)
        if name == "any":
            parts.append("(?:.*)")
        elif name in names:
            parts.append(re.escape(names[name]))
        elif name in seen:
            parts.append(f"(?P=n{seen[name]})")
        else:
            seen[name] = len(seen)
            parts.append(f"(?P<n{seen[name]}>.*?)")
    parts.append(re.escape(want[last:]))
    match = re.fullmatch("".join(parts), got, re.S)
    if not match:
        return None
    return {**names, **{name: match[f"n{i}"] for name, i in seen.items()}}


def fits(want, got, names, exactly=False):
    """The names after the match, or None."""
    if (want.name, want.ns) != (got.name, got.ns):
        return None
    names = fits_attributes(want, got, names, exactly)
    if names is None:
        return None
    wanted_text = want.text if not want.elements() else want.text.strip()
    got_text = got.text if not want.elements() else got.text.strip()
    if wanted_text.strip():
        names = fits_text(wanted_text, got_text, names)
        if names is None:
            return None
    elif exactly and got_text.strip():
        return None
    absent = [w for w in want.elements() if w.absent]
    for child in got.elements():
        if any(fits(without_mark(a), child, names) is not None for a in absent):
            return None
    children = [w for w in want.elements() if not w.absent]
    if exactly and len(children) != len(got.elements()):
        return None
    return fits_children(children, got.elements(), names, exactly)


def without_mark(pattern):
    return Elem(pattern.ns, pattern.name, pattern.attrs, pattern.children)


def fits_attributes(want, got, names, exactly):
    for key, value in want.attrs.items():
        if value == "{none}":
            if key in got.attrs:
                return None
            continue
        if key not in got.attrs:
            return None
        names = fits_text(value, got.attrs[key], names)
        if names is None:
            return None
    wanted = {k for k, v in want.attrs.items() if v != "{none}"}
    return None if exactly and wanted != set(got.attrs) else names


def fits_children(wanted, there, names, exactly):
    """Each wanted child has a child of its own; in order when exactly."""
    if not wanted:
        return names
    for i, child in enumerate(there):
        after = fits(wanted[0], child, names, exactly)
        if after is not None:
            rest = there[:i] + there[i + 1:]
            result = fits_children(wanted[1:], rest, after, exactly)
            if result is not None:
                return result
        if exactly:
            return None
    return None


def side_by_side(wanted, got, width=58):
    """Two columns of lines: what was expected, and what came."""
    left, right = wanted.split("\n"), got.split("\n")
    lines = [f"{'expected':<{width}} | got"]
    for i in range(max(len(left), len(right))):
        a = left[i] if i < len(left) else ""
        b = right[i] if i < len(right) else ""
        while a or b:
            lines.append(f"{a[:width]:<{width}} | {b[:width]}")
            a, b = a[width:], b[width:]
    return "\n".join(lines)
