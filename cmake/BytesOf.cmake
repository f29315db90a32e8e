# cmake -DINPUT=FILE -DOUTPUT=FILE -P BytesOf.cmake: the bytes of a file as a list for a C++ array.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "${bytes}\n")
