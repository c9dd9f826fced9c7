"""What keys and mouse do to what is looked at: picture or contact sheet, how large, which part."""

from collections.abc import Callable

from textual import events

from tui.notices import EDGE, all_seen, every_pixel, hint
from tui.screens.pictured import Pictured
from tui.widgets.picture import Picture
from tui.zoom import Size, Zoom


class Looking(Pictured):
    """A screen on which pictures are looked at closely."""

    def action_move(self, lines: int) -> None:
        """Where one large picture is all that is seen, there are no lines of them."""
        if self.has_class("-large"):
            self.action_step(lines)
        else:
            super().action_move(lines)

    def action_picture(self) -> None:
        """Beside the table, large, or off."""
        now = [name for name in ("-large", "-no-picture") if self.has_class(name)]
        following = {"": "-large", "-large": "-no-picture", "-no-picture": ""}[now[0] if now else ""]
        self.remove_class("-large", "-no-picture")
        if following:
            self.add_class(following)
        self.call_after_refresh(self.show_picture)

    def toggle_large(self) -> None:
        """The picture in place of the table, or beside it again."""
        self.toggle_class("-large")
        self.call_after_refresh(self.show_picture)

    def action_sheet(self) -> None:
        """Thumbnails in place of the table; or the table again."""
        position, rows = self.table.cursor, self.rows_of(self.session)
        self.set_class(self.has_class("-large") or not self.has_class("-sheet"), "-sheet")
        self.remove_class("-large")
        self.table.show(rows, position)
        self.call_after_refresh(self.show_picture)

    def action_zoom(self, steps: int) -> None:
        """Closer, as long as that shows more; or wider."""
        change, keys = (self._zoom.closer if steps > 0 else self._zoom.wider), self.session.keys
        self._look_at(change, every_pixel(keys) if steps > 0 else all_seen(keys))

    def action_pan(self, right: int, down: int) -> None:
        """Another part of a picture that is zoomed in."""
        nothing = EDGE if self._zoom.times > 1 else all_seen(self.session.keys)
        self._look_at(lambda picture, room: self._zoom.moved(right, down, picture, room), nothing)

    def _look_at(self, change: Callable[[Size, Size], Zoom], unless_changed: str) -> None:
        """Another part of the picture, which is worked out from the picture's size and the pane's."""
        answer, room = self._answer, self.query_one(Picture).wanted
        if self._under_cursor() is None or answer is None or not answer.width:
            self._tell("There is no picture here to look at closely.")
            return
        zoom = change((answer.width, answer.height), room)
        if zoom == self._zoom:
            self._tell(unless_changed)
            return
        self._zoom = zoom
        if self.session.notice in (EDGE, all_seen(self.session.keys), every_pixel(self.session.keys)):
            self._tell("")
        self.show_picture()

    def on_click(self, event: events.Click) -> None:
        """Twice on an image, or once on the picture: the picture large, or not."""
        self.hint_read()
        widget = event.widget
        on_image = event.chain == 2 and widget is not None and self.table in widget.ancestors_with_self
        if isinstance(widget, Picture) or on_image:
            self.toggle_large()

    def hint_read(self) -> None:
        """A first key, or click: the hint goes."""
        if self.session.notice == hint(self.session.keys):
            self._tell("")
