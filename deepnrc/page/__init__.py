"""What stands on the page of a report: pictures, tables and sentences, ready for its template."""
