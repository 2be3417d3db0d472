"""Import of instruments from sheets: bytes → rows (sheet, text, workbook), headings → fields (mapping), cells → facts
(cells, rows), facts → resources (run)."""
