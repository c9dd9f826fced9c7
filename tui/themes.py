"""Themes of high contrast: text is at least 7 to 1 against what lies behind it, as WCAG 2.2 has it for level AAA.

https://www.w3.org/TR/WCAG22/#contrast-enhanced
"""

from textual.theme import Theme

CONTRAST = (
    Theme(
        "high-contrast",
        primary="#5fd7ff",
        secondary="#5fd7ff",
        warning="#ffff00",
        error="#ff9c9c",
        success="#5fff5f",
        accent="#ffff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        dark=True,
        text_alpha=1.0,
        variables={
            "text-muted": "auto 87%",
            "scrollbar": "#808080",
            "scrollbar-background": "#000000",
            "block-cursor-blurred-background": "#002a36",
        },
    ),
    Theme(
        "high-contrast-light",
        primary="#003c96",
        secondary="#003c96",
        warning="#5a3c00",
        error="#960000",
        success="#004b00",
        accent="#640064",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#ffffff",
        dark=False,
        text_alpha=1.0,
        variables={
            "text-muted": "auto 87%",
            "scrollbar": "#606060",
            "scrollbar-background": "#ffffff",
            "block-cursor-blurred-background": "#eef4ff",
        },
    ),
)
