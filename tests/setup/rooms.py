"""The import contract `rooms`: each room of the house imports only the rooms it is said to (pyproject.toml)."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class RoomsContract(Contract):
    """Holds every import between two rooms against one table.

    A room is a module or package directly under the root package. `rooms` has a line for each, "room: the rooms
    it may import" (`*` for all); anything not listed is not allowed. Unlike `forbidden`, a line may name a room
    that is not built yet, while a room without a line breaks the contract.
    """

    type_name = "rooms"

    rooms = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        (root,) = self.session_options["root_packages"]
        allowed = {room.strip(): set(may.split()) for room, _, may in (line.partition(":") for line in self.rooms)}

        def room_of(module: str) -> str:
            return module.split(".")[1] if module.startswith(f"{root}.") else ""

        modules = sorted(graph.find_descendants(root))
        unlisted = sorted({room_of(module) for module in modules} - set(allowed))
        broken = []
        for importer in modules:
            here = room_of(importer)
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                there = room_of(imported)
                if here in allowed and there and there != here and not {there, "*"} & allowed[here]:
                    lines = [
                        str(found["line_number"])
                        for found in graph.get_import_details(importer=importer, imported=imported)
                    ]
                    broken.append(f"{importer} -> {imported} (l. {', '.join(lines)})")
        return ContractCheck(
            kept=not broken and not unlisted, metadata={"broken": broken, "unlisted": unlisted, "allowed": allowed}
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["broken"]:
            room = line.split(".")[1].split(" ")[0]
            may = ", ".join(sorted(check.metadata["allowed"][room])) or "no other room"
            output.print_error(f"{line}: {room} may import {may}.", bold=False)
        for room in check.metadata["unlisted"]:
            output.print_error(
                f"{room}: not in the table of rooms. Say in pyproject.toml what it may import.", bold=False
            )
        output.new_line()
